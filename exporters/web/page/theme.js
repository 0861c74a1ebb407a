// SPDX-License-Identifier: Apache-2.0
// Runs before the first paint, so that the page does not flash in another theme than the chosen one.
(function () {
  try {
    const theme = localStorage.getItem('rcached-theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // No storage: the theme of the system is used.
  }
})();
