emr_fuzz(fuzz_frame SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_frame.c USES cmd_kit base PkgConfig::jansson)
emr_fuzz(fuzz_settings SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_settings.c USES cmd_kit base keyring)
emr_fuzz(fuzz_device_file SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_device_file.c ${PROJECT_SOURCE_DIR}/fs/device_file.c USES base
	INCLUDES ${PROJECT_SOURCE_DIR}/fs)
emr_fuzz(fuzz_state SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_state.c USES cmd cmd_kit share settle keyring base PkgConfig::jansson
	INCLUDES ${PROJECT_SOURCE_DIR}/fs)
