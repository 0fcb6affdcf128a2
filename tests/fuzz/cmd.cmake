emr_fuzz(fuzz_frame SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_frame.c USES kit base PkgConfig::jansson)
emr_fuzz(fuzz_settings SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_settings.c USES kit base keyring)
emr_fuzz(fuzz_device_file SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_device_file.c ${PROJECT_SOURCE_DIR}/fs/session/network/device_file.c USES base
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/session/network/include)
emr_fuzz(fuzz_state SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_state.c USES sharing share settle keyring base PkgConfig::jansson)
emr_fuzz(fuzz_agreed SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_agreed.c USES research share settle keyring base PkgConfig::jansson
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/sharing/research)
emr_fuzz(fuzz_terms SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_terms.c USES share keyring)
emr_fuzz(fuzz_consent SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_consent.c USES consent)
