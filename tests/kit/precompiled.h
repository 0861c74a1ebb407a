// SPDX-License-Identifier: Apache-2.0
// Precompiled for the unit tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/precompiled.h"
