set(store_kit ${CMAKE_CURRENT_LIST_DIR}/store_kit.c)
emr_test(test_store_segments
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_segments.c ${store_kit}
	USES store Threads::Threads)
emr_test(test_store_damage
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_damage.c ${store_kit}
	USES store Threads::Threads)
emr_test(test_store_format
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_format.c ${store_kit}
	USES store PkgConfig::jansson PkgConfig::sodium Threads::Threads)
