include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
set(story_kit ${CMAKE_CURRENT_LIST_DIR}/story_kit.c ${CMAKE_CURRENT_LIST_DIR}/story_rules.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c)
set(story_uses share stack view settle ledger contract crypto Threads::Threads)
foreach(part story story_recovery story_dealings story_ends story_inner story_asks story_crowd story_teams story_handover story_guardian)
	emr_test(test_${part}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${part}.c ${story_kit}
		USES ${story_uses}
		INCLUDES ${PROJECT_SOURCE_DIR}/fs/share ${PROJECT_SOURCE_DIR}/keyring ${view_inside})
endforeach()
emr_test(test_story_removed
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_removed.c ${story_kit}
	USES ${story_uses} INCLUDES ${view_inside} LINK_OPTIONS -Wl,--wrap=emr_ledger_submit)
emr_test(test_story_random
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_random.c ${CMAKE_CURRENT_LIST_DIR}/datasets_kit.c
		${CMAKE_CURRENT_LIST_DIR}/two_kit.c ${story_kit}
	USES ${story_uses} PkgConfig::jansson)
target_link_options(test_story_teams PRIVATE -Wl,--wrap=share_vouch,--wrap=share_grant_note)
target_link_options(test_story_handover PRIVATE -Wl,--wrap=share_vouch,--wrap=emr_share_grant)
target_link_options(test_story_asks PRIVATE -Wl,--wrap=emr_request_part_seal)
emr_test(test_frozen
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_frozen.c ${CMAKE_CURRENT_LIST_DIR}/datasets_kit.c ${story_kit}
	USES org ${story_uses} PkgConfig::jansson)
emr_test(test_story_datasets
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_datasets.c ${CMAKE_CURRENT_LIST_DIR}/datasets_kit.c ${story_kit}
	USES org ${story_uses} PkgConfig::jansson
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/share
	LINK_OPTIONS -Wl,--wrap=emr_grant_letter_open,--wrap=emr_replica_account,--wrap=share_revoke,--wrap=share_is_paid,--wrap=emr_grant_outer_seal)
emr_test(test_story_agreed
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_agreed.c ${CMAKE_CURRENT_LIST_DIR}/datasets_kit.c ${story_kit}
	USES org ${story_uses} PkgConfig::jansson
	LINK_OPTIONS -Wl,--wrap=emr_team_reader)
emr_test(test_dataset_readers
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_dataset_readers.c ${CMAKE_CURRENT_LIST_DIR}/datasets_kit.c ${story_kit}
	USES org ${story_uses} PkgConfig::jansson
	LINK_OPTIONS -Wl,--wrap=emr_key_code,--wrap=emr_team_get)
emr_test(test_nearness
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_nearness.c ${CMAKE_CURRENT_LIST_DIR}/datasets_kit.c ${story_kit}
	USES ${story_uses}
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/share
	LINK_OPTIONS -Wl,--wrap=share_near)
emr_test(test_story_away
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_away.c ${story_kit}
	USES ${story_uses}
	LINK_OPTIONS -Wl,--wrap=share_near)
emr_test(test_terms SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_terms.c USES share keyring)
emr_test(test_story_log
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_log.c ${story_kit}
	USES ${story_uses}
	LINK_OPTIONS -Wl,--wrap=emr_fragment_convert,--wrap=emr_ledger_submit)
emr_test(test_signed
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_signed.c ${story_kit}
	USES ${story_uses} PkgConfig::sqlite3)
emr_test(test_story_answers
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_answers.c ${story_kit}
	USES ${story_uses}
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/share ${PROJECT_SOURCE_DIR}/keyring
	LINK_OPTIONS -Wl,--wrap=emr_ledger_submit)
