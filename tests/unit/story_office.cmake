# Tests of what a mount does for others: who is meant, the office, orders to share.
emr_test(test_office THREADS SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_office.c ${CMAKE_CURRENT_LIST_DIR}/datasets_kit.c ${story_kit}
	USES sharing ${story_uses})
target_link_options(test_office PRIVATE -Wl,--wrap=emr_follow_listen -Wl,--wrap=emr_worker_wait)
emr_test(test_sharing THREADS SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sharing.c ${CMAKE_CURRENT_LIST_DIR}/sharing_story.c ${story_kit}
	USES sharing ${story_uses} fetch PkgConfig::jansson
	LINK_OPTIONS -Wl,--wrap=emr_ledger_submit -Wl,--wrap=emr_share_revoke_below -Wl,--wrap=emr_share_free -Wl,--wrap=emr_share_grant -Wl,--wrap=emr_fetcher_wait_begin -Wl,--wrap=emr_fetcher_wait_end)
emr_test(test_approving THREADS SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_approving.c ${CMAKE_CURRENT_LIST_DIR}/sharing_story.c ${story_kit}
	USES sharing ${story_uses} PkgConfig::jansson
	LINK_OPTIONS -Wl,--wrap=emr_follow_now)
foreach(part openings dealings)
	emr_test(test_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${part}.c ${CMAKE_CURRENT_LIST_DIR}/log_kit.c ${story_kit}
		USES report ${story_uses} PkgConfig::jansson)
endforeach()
target_compile_definitions(test_openings PRIVATE EMR_TEST_SUPPORT="${PROJECT_SOURCE_DIR}/tests/support")
# The program that writes FHIR of what emrfs lists.
add_test(NAME test_fhir COMMAND python3 ${CMAKE_CURRENT_LIST_DIR}/test_fhir.py)
set_tests_properties(test_fhir PROPERTIES LABELS unit TIMEOUT ${EMR_PATIENCE_S})
emr_test(test_folding SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_folding.c USES report)
emr_test(test_consent SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_consent.c USES consent PkgConfig::jansson)
