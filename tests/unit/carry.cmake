emr_test(test_car_scan SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_car_scan.c USES store base PkgConfig::jansson)
include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_view_proofs
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_proofs.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES stack view proof carry settle ledger contract crypto Threads::Threads)
