emr_test(test_hashsig SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_hashsig.c
	USES base hashsig PkgConfig::jansson)
emr_test(test_crypto SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_crypto.c
	USES crypto PkgConfig::jansson PkgConfig::sodium INCLUDES ${PROJECT_SOURCE_DIR}/keyring/crypto)
emr_test(test_chunk SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_chunk.c
	USES crypto PkgConfig::jansson PkgConfig::sodium Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/keyring/crypto)
emr_test(test_pre SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_pre.c
	USES crypto PkgConfig::jansson PkgConfig::sodium INCLUDES ${PROJECT_SOURCE_DIR}/keyring/crypto)
emr_test(test_reencrypt SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_reencrypt.c
	USES crypto PkgConfig::jansson PkgConfig::sodium INCLUDES ${PROJECT_SOURCE_DIR}/keyring/crypto)
