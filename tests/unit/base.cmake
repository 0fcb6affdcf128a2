emr_test(test_base SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_base.c USES base PkgConfig::jansson)
emr_test(test_secret SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_secret.c USES base Threads::Threads)
emr_test(test_file SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_file.c USES base)
emr_test(test_worker SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_worker.c USES base Threads::Threads)
