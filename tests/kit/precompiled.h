// SPDX-License-Identifier: Apache-2.0
// Precompiled header of the unit tests: only what each of them includes. (With more headers, reading the precompiled
// header takes longer than parsing them.)
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>
