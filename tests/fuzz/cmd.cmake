emr_fuzz(fuzz_frame SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_frame.c USES cmd_kit base PkgConfig::jansson)
emr_fuzz(fuzz_settings SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_settings.c USES cmd_kit base keyring)
