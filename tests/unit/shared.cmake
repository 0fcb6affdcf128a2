include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
set(shared_kit ${CMAKE_CURRENT_LIST_DIR}/shared_kit.c ${CMAKE_CURRENT_LIST_DIR}/story_kit.c ${CMAKE_CURRENT_LIST_DIR}/story_rules.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c)
set(shared_uses share stack view settle ledger contract crypto Threads::Threads)
foreach(part away folder kept reading threads place renamed)
	emr_test(test_shared_${part}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_shared_${part}.c ${shared_kit}
		USES ${shared_uses}
		INCLUDES ${view_inside})
endforeach()
target_link_options(test_shared_threads PRIVATE -Wl,--wrap=emr_shared_ask_names -Wl,--wrap=emr_shared_ask_records -Wl,--wrap=emr_shared_each)
emr_test(test_foreign_file
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_foreign_file.c ${CMAKE_CURRENT_LIST_DIR}/foreign_kit.c ${shared_kit}
	USES ${shared_uses})
emr_test(test_foreign_folder
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_foreign_folder.c ${CMAKE_CURRENT_LIST_DIR}/deposit_kit.c ${CMAKE_CURRENT_LIST_DIR}/foreign_kit.c ${shared_kit}
	USES ${shared_uses}
	INCLUDES ${view_inside})
emr_test(test_foreign
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_foreign.c ${CMAKE_CURRENT_LIST_DIR}/foreign_kit.c ${shared_kit}
	USES ${shared_uses}
	INCLUDES ${view_inside}
	LINK_OPTIONS -Wl,--wrap=shared_record_node -Wl,--wrap=emr_journal_commit)
emr_test(test_deposits
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_deposits.c ${CMAKE_CURRENT_LIST_DIR}/deposit_kit.c ${shared_kit}
	USES ${shared_uses}
	INCLUDES ${view_inside}
	LINK_OPTIONS -Wl,--wrap=emr_statement_make -Wl,--wrap=emr_asked_next -Wl,--wrap=emr_content_reader_verify)
emr_test(test_copies
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_copies.c ${CMAKE_CURRENT_LIST_DIR}/deposit_kit.c ${shared_kit}
	USES ${shared_uses}
	INCLUDES ${view_inside})
emr_test(test_flood
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_flood.c ${CMAKE_CURRENT_LIST_DIR}/deposit_kit.c ${shared_kit}
	USES ${shared_uses}
	INCLUDES ${view_inside}
	LINK_OPTIONS -Wl,--wrap=emr_list_key_open -Wl,--wrap=emr_list_key_open_meta -Wl,--wrap=emr_replica_part -Wl,--wrap=emr_replica_item_get)
emr_test(test_left
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_left.c ${CMAKE_CURRENT_LIST_DIR}/deposit_kit.c ${shared_kit}
	USES ${shared_uses}
	INCLUDES ${view_inside})
emr_test(test_origin
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_origin.c ${CMAKE_CURRENT_LIST_DIR}/deposit_kit.c ${shared_kit}
	USES ${shared_uses}
	INCLUDES ${view_inside})
emr_test(test_hostile_names
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_hostile_names.c ${shared_kit}
	USES ${shared_uses}
	INCLUDES ${view_inside}
	LINK_OPTIONS -Wl,--wrap=emr_name_check)
emr_test(test_forged
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_forged.c ${CMAKE_CURRENT_LIST_DIR}/forge_kit.c ${CMAKE_CURRENT_LIST_DIR}/deposit_kit.c ${shared_kit}
	USES ${shared_uses}
	INCLUDES ${view_inside} ${PROJECT_SOURCE_DIR}/fs/record)
emr_test(test_shared_datasets
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_shared_datasets.c ${CMAKE_CURRENT_LIST_DIR}/datasets_kit.c ${shared_kit}
	USES ${shared_uses} fetch
	INCLUDES ${view_inside}
	LINK_OPTIONS -Wl,--wrap=share_add_join,--wrap=desk_judge,--wrap=emr_follow_lately)
