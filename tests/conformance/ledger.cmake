add_library(emr_ledger_kit STATIC ${CMAKE_CURRENT_LIST_DIR}/ledger_kit.c)
target_include_directories(emr_ledger_kit PUBLIC ${CMAKE_CURRENT_LIST_DIR} ${PROJECT_SOURCE_DIR}/tests/support)
target_link_libraries(emr_ledger_kit PRIVATE emr_flags
	PUBLIC emr_replica emr_ledger emr_contract emr_keyring PkgConfig::cmocka PkgConfig::sqlite3)
emr_test(test_ledger_embedded
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/ledger_embedded.c ${CMAKE_CURRENT_LIST_DIR}/ledger_suite.c
	USES ledger_kit Threads::Threads
	LABELS conformance)
emr_test(test_ledger_behind_a_door
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/ledger_absent.c ${CMAKE_CURRENT_LIST_DIR}/ledger_suite.c
	USES ledger_kit Threads::Threads
	LABELS conformance)
add_library(emr_served_kit STATIC ${CMAKE_CURRENT_LIST_DIR}/served_kit.c)
target_link_libraries(emr_served_kit PRIVATE emr_flags PUBLIC emr_ledger_kit emr_served emr_served_client)
emr_test(test_ledger_served
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/ledger_served.c ${CMAKE_CURRENT_LIST_DIR}/ledger_suite.c
	USES served_kit Threads::Threads
	LABELS conformance)
emr_test(test_two_histories
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/served_histories.c
	USES served_kit Threads::Threads
	LABELS conformance
	LINK_OPTIONS -Wl,--wrap=emr_chain_caller)
emr_test(test_restarts
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/served_restart.c
	USES served_kit Threads::Threads
	LABELS conformance
	LINK_OPTIONS -Wl,--wrap=emr_ledger_ask)
emr_test(test_brought
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/served_brought.c
	USES served_kit http Threads::Threads
	LABELS conformance)
emr_test(test_ledger_crowd
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/ledger_crowd.c
	USES served_kit Threads::Threads
	LABELS conformance)
emr_test(test_served
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/served_strangers.c
	USES served_kit http Threads::Threads
	LABELS conformance)
emr_test(test_served_tokens
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/served_tokens.c
	USES served_kit node_host store http PkgConfig::sodium Threads::Threads
	LABELS conformance)
emr_test(test_served_bounds
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/served_bounds.c
	USES served_kit node_host store Threads::Threads
	LABELS conformance)
target_link_options(test_served_bounds PRIVATE -Wl,--wrap=emr_block_store_get_verified)
emr_test(test_stand_in
	SOURCES ${PROJECT_SOURCE_DIR}/tests/unit/test_stand_in.c
	USES served_kit Threads::Threads
	LABELS conformance)
emr_test(test_served_elsewhere
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/served_elsewhere.c
	USES served_kit http OpenSSL::SSL Threads::Threads
	LABELS conformance)
add_library(emr_channel_play STATIC ${CMAKE_CURRENT_LIST_DIR}/channel_play.c)
target_link_libraries(emr_channel_play PRIVATE emr_flags PUBLIC emr_ledger_kit emr_serve PkgConfig::jansson PkgConfig::sodium)
emr_test(test_ledger_channel
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/ledger_channel.c ${CMAKE_CURRENT_LIST_DIR}/ledger_suite.c
	USES channel_play Threads::Threads
	LABELS conformance)
emr_test(test_channel_admission
	SOURCES ${PROJECT_SOURCE_DIR}/tests/unit/test_channel_admission.c ${PROJECT_SOURCE_DIR}/tests/unit/folk_kit.c
	USES channel_play Threads::Threads
	LABELS conformance)
emr_test(test_channel_ledger
	SOURCES ${PROJECT_SOURCE_DIR}/tests/unit/test_channel_ledger.c
	USES channel_play channel Threads::Threads
	LABELS conformance
	LINK_OPTIONS -Wl,--wrap=emr_chain_end)
