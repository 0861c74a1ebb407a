// SPDX-License-Identifier: Apache-2.0
// Runs before anything is drawn, so that a remembered theme does not flash.
(function () {
  try {
    const theme = localStorage.getItem('rcached-theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // No storage: the system's preference stands.
  }
})();
