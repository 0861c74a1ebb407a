// SPDX-License-Identifier: Apache-2.0
// CMake compiles base/precompiled.h with this file.
