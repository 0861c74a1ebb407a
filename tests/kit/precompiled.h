// SPDX-License-Identifier: Apache-2.0
// Precompiled for the unit tests: what each of them includes. (More headers make the precompiled one so large
// that reading it costs more than parsing them.)
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>
