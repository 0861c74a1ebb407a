// SPDX-License-Identifier: Apache-2.0
// The files of a configuration: the main file and the drop-ins of the directory beside it. Only reads.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace rcached {

// Whether there is something at `path`, be it unreadable or a dangling link: then it is an error to be told
// and no reason for the defaults.
bool config_file_exists(const std::string& path);

// The text of a file. Errors: config (missing, not a readable regular file, over 1 MiB).
Expected<std::string> read_config_file(const std::string& path);

// The directory of the drop-ins of a main file: rcached.d beside rcached.yaml, and NAME.d beside another
// NAME.
std::string drop_in_directory(const std::string& main_file);

// The drop-ins of a main file in the order of their names, byte by byte: what ends in .yaml and does not
// begin with a dot. None where there is no directory. Errors: config (the directory cannot be read).
Expected<std::vector<std::string>> list_drop_ins(const std::string& main_file);

// A path, fit for a message in whole.
std::string printable_path(const std::string& path);

}  // namespace rcached
