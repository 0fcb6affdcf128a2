emr_fuzz(fuzz_store_dag SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_store_dag.c USES store)
emr_fuzz(fuzz_store_car SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_store_car.c USES store
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/store)
emr_fuzz(fuzz_store_frame SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_store_frame.c USES journal
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/store ${PROJECT_SOURCE_DIR}/fs/store/journal)
