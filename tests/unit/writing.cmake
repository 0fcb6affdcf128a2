# People who write in somebody else's folder.
include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
set(writing_kit ${CMAKE_CURRENT_LIST_DIR}/pen_kit.c ${CMAKE_CURRENT_LIST_DIR}/story_kit.c ${CMAKE_CURRENT_LIST_DIR}/story_rules.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c)
set(reckless_kit ${CMAKE_CURRENT_LIST_DIR}/reckless_kit.c ${writing_kit})
set(writing_uses share stack view settle store journal ledger contract crypto Threads::Threads)
set(writing_inside ${PROJECT_SOURCE_DIR}/fs/share ${PROJECT_SOURCE_DIR}/fs/settle)
emr_test(test_story_writing SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_writing.c ${writing_kit}
	USES ${writing_uses} INCLUDES ${writing_inside}
	LINK_OPTIONS -Wl,--wrap=emr_ledger_submit)
emr_test(test_story_narrow SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_narrow.c ${CMAKE_CURRENT_LIST_DIR}/story_kit.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES ${writing_uses} INCLUDES ${writing_inside}
	LINK_OPTIONS -Wl,--wrap=emr_ledger_submit)
emr_test(test_story_writing_rights SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_writing_rights.c ${writing_kit}
	USES ${writing_uses} INCLUDES ${writing_inside}
	LINK_OPTIONS -Wl,--wrap=foreign_domain_may)
emr_test(test_story_writing_limits SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_writing_limits.c ${reckless_kit}
		${CMAKE_CURRENT_LIST_DIR}/shared_kit.c
	USES ${writing_uses} INCLUDES ${writing_inside} ${view_inside}
	LINK_OPTIONS -Wl,--wrap=foreign_domain_may)
emr_test(test_story_writing_names SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_writing_names.c ${reckless_kit}
	USES ${writing_uses} INCLUDES ${writing_inside}
	LINK_OPTIONS -Wl,--wrap=foreign_domain_may)
emr_test(test_story_writing_bad SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_writing_bad.c ${writing_kit} USES ${writing_uses} PkgConfig::sqlite3)
emr_test(test_story_writing_file SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_writing_file.c ${reckless_kit}
		${CMAKE_CURRENT_LIST_DIR}/shared_kit.c
	USES ${writing_uses} INCLUDES ${writing_inside}
	LINK_OPTIONS -Wl,--wrap=foreign_domain_may)
emr_test(test_amendments SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_amendments.c ${writing_kit} USES ${writing_uses})
set(lies_wraps -Wl,--wrap=emr_content_open_key,--wrap=emr_bundle_build,--wrap=emr_statement_make)
emr_test(test_story_lies SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_lies.c ${CMAKE_CURRENT_LIST_DIR}/lies_kit.c ${writing_kit}
	USES ${writing_uses} INCLUDES ${writing_inside}
	LINK_OPTIONS -Wl,--wrap=foreign_domain_may ${lies_wraps})
emr_test(test_story_vouching SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_story_vouching.c ${CMAKE_CURRENT_LIST_DIR}/lies_kit.c ${writing_kit}
		${CMAKE_CURRENT_LIST_DIR}/shared_kit.c
	USES ${writing_uses} PkgConfig::sqlite3 INCLUDES ${writing_inside} ${view_inside}
	LINK_OPTIONS ${lies_wraps})
emr_test(test_chosen_ids SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_chosen_ids.c ${CMAKE_CURRENT_LIST_DIR}/deposit_kit.c ${reckless_kit}
		${CMAKE_CURRENT_LIST_DIR}/shared_kit.c
	USES ${writing_uses} INCLUDES ${writing_inside} ${view_inside}
	LINK_OPTIONS -Wl,--wrap=foreign_domain_may)
emr_test(test_chosen_numbers SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_chosen_numbers.c ${reckless_kit}
	USES ${writing_uses} INCLUDES ${writing_inside}
	LINK_OPTIONS -Wl,--wrap=foreign_domain_may)
emr_test(test_forged_history SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_forged_history.c ${reckless_kit}
	USES ${writing_uses} INCLUDES ${writing_inside}
	LINK_OPTIONS -Wl,--wrap=foreign_domain_may)
emr_test(test_strangers_over SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_strangers_over.c ${CMAKE_CURRENT_LIST_DIR}/strangers_kit.c
		${CMAKE_CURRENT_LIST_DIR}/story_kit.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES ${writing_uses} INCLUDES ${writing_inside})
emr_test(test_strangers_put SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_strangers_put.c ${CMAKE_CURRENT_LIST_DIR}/strangers_kit.c ${writing_kit}
	USES ${writing_uses} INCLUDES ${writing_inside})
emr_test(test_strangers SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_strangers.c ${CMAKE_CURRENT_LIST_DIR}/strangers_kit.c ${writing_kit}
	USES ${writing_uses} INCLUDES ${writing_inside}
	LINK_OPTIONS -Wl,--wrap=emr_share_renew)
emr_test(test_judge SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_judge.c ${CMAKE_CURRENT_LIST_DIR}/story_kit.c ${CMAKE_CURRENT_LIST_DIR}/story_rules.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES ${writing_uses} INCLUDES ${writing_inside} ${PROJECT_SOURCE_DIR}/keyring
	LINK_OPTIONS -Wl,--wrap=share_choose_agents,--wrap=share_phase)
