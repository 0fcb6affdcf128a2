emr_fuzz(fuzz_headers SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_headers.c USES headers_parse INCLUDES ${PROJECT_SOURCE_DIR}/fs/helper/headers)
