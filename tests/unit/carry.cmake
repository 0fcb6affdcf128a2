emr_test(test_carry SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_carry.c
	USES carry ledger keyring store contract crypto base PkgConfig::jansson INCLUDES ${PROJECT_SOURCE_DIR}/fs/evidence/carry)
include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_view_proofs
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_proofs.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES stack view proof carry settle ledger contract crypto Threads::Threads)
include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_carry_parts
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_carry_parts.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES stack view carry settle ledger contract crypto Threads::Threads)
