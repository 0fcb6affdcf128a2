set(store_kit ${CMAKE_CURRENT_LIST_DIR}/store_kit.c)
emr_test(test_store_segments
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_segments.c ${store_kit}
	USES store Threads::Threads)
emr_test(test_store_shared
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_shared.c ${store_kit}
	USES store PkgConfig::sqlite3 Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/store
	LINK_OPTIONS -Wl,--wrap=emr_segment_list)
emr_test(test_store_threads
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_threads.c ${store_kit}
	USES store PkgConfig::sqlite3 Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/store
	LINK_OPTIONS -Wl,--wrap=pthread_mutex_unlock,--wrap=pwrite64)
emr_test(test_store_damage
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_damage.c ${store_kit}
	USES store)
emr_test(test_store_format
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_format.c ${store_kit}
	USES store PkgConfig::jansson PkgConfig::sodium)
# On demand only: prints what appends, flushes and reads of the store and the journal cost on the disk at hand.
add_executable(bench_store EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/bench_store.c)
target_link_libraries(bench_store PRIVATE emr_flags emr_journal)
emr_test(test_store_release
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_release.c ${store_kit}
	USES journal Threads::Threads
	DEFINES EMR_RELEASE_DIR="${PROJECT_SOURCE_DIR}/tests/releases")
emr_test(test_store_segment_file
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_segment_file.c ${store_kit}
	USES store)
emr_test(test_store_scribbled
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_scribbled.c ${store_kit}
	USES store)
emr_test(test_store_reserve
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_reserve.c
	USES store base
	LINK_OPTIONS -Wl,--wrap=fstatvfs64,--wrap=posix_fallocate64)
emr_test(test_store_still
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_store_still.c ${CMAKE_CURRENT_LIST_DIR}/still_kit.c ${store_kit}
	USES journal Threads::Threads
	LINK_OPTIONS -Wl,--wrap=fstatvfs64)
emr_test(test_block_cache SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_block_cache.c USES fetch Threads::Threads
	LINK_OPTIONS -Wl,--wrap=fstatvfs64,--wrap=openat64,--wrap=fstat64,--wrap=pread64)
