emr_fuzz(fuzz_served SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_served.c USES served_client
	INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/served)
emr_fuzz(fuzz_host SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_host.c USES served node_host store served_client ledger keyring)
emr_fuzz(fuzz_brought SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_brought.c USES served served_client serve ledger keyring
	INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/served)
