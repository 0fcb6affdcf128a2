emr_test(conformance_store_car
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_car.c ${CMAKE_CURRENT_LIST_DIR}/store_suite.c
		${PROJECT_SOURCE_DIR}/tests/unit/store_kit.c
	USES store Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/tests/unit
	LABELS conformance)
emr_test(conformance_store_fetched
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_fetched.c ${CMAKE_CURRENT_LIST_DIR}/store_suite.c
		${PROJECT_SOURCE_DIR}/tests/unit/store_kit.c
	USES fetch store Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/tests/unit
	LABELS conformance)
