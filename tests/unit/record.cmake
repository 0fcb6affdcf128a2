set(kit ${CMAKE_CURRENT_LIST_DIR}/record_kit.c)
emr_test(test_record_format
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_record_format.c
	USES record crypto PkgConfig::jansson Threads::Threads)
emr_test(test_record_content
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_record_content.c ${kit}
	USES record crypto PkgConfig::jansson Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/record)
emr_test(test_record_staging
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_record_staging.c ${kit}
	USES record crypto Threads::Threads)
emr_test(test_record_spill
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_record_spill.c ${kit}
	USES record crypto Threads::Threads)
emr_test(test_record_holes
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_record_holes.c ${kit}
	USES record crypto Threads::Threads)
emr_test(test_record_seal_rule
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_record_seal_rule.c ${kit}
	USES record crypto Threads::Threads
	LINK_OPTIONS -Wl,--wrap=emr_chunk_seal)
emr_test(test_record_store
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_record_store.c ${CMAKE_CURRENT_LIST_DIR}/forge_kit.c ${kit}
	USES record crypto Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/record
	LINK_OPTIONS -Wl,--wrap=emr_cid_verify)
