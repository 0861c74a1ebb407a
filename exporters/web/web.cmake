# SPDX-License-Identifier: Apache-2.0
# The live page, part of rcached_exporters: bundled by npm into generated source. Everything that npm brings stays in
# the build tree.
option(RCACHED_WEB "Build the live page (needs node and npm)" ON)
set(web_folder ${CMAKE_CURRENT_BINARY_DIR}/web)
set(WEB_ASSETS_SOURCE ${web_folder}/web_assets.cc)
find_program(NODE node)
find_program(NPM npm)

set(WEB_PAGE_MISSING "")
if(NOT RCACHED_WEB)
  set(WEB_PAGE_MISSING "it was built with RCACHED_WEB=OFF")
elseif(NOT NODE)
  set(WEB_PAGE_MISSING "node was not found when it was built")
elseif(NOT NPM)
  set(WEB_PAGE_MISSING "npm was not found when it was built")
endif()

if(WEB_PAGE_MISSING)
  message(STATUS "No live page: ${WEB_PAGE_MISSING}")
  # Another file name than that of the rule below, whose remembered output would be overwritten.
  set(WEB_ASSETS_SOURCE ${web_folder}/no_page.cc)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/no_page.cc.in ${WEB_ASSETS_SOURCE} @ONLY)
else()
  file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/page/*)
  add_custom_command(
    OUTPUT ${WEB_ASSETS_SOURCE}
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/build-page ${CMAKE_CURRENT_LIST_DIR} ${web_folder} ${NPM} ${NODE}
    DEPENDS ${web_sources} web/build-page web/build.mjs web/no_page.cc.in web/package.json web/package-lock.json
    COMMENT "Building the live page" VERBATIM)
endif()

# The bundle is one literal, longer than what the standard promises.
set_source_files_properties(${WEB_ASSETS_SOURCE} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
target_sources(rcached_exporters PRIVATE ${CMAKE_CURRENT_LIST_DIR}/web_page.cc ${WEB_ASSETS_SOURCE})
