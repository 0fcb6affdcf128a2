include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_headers
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_headers.c ${CMAKE_CURRENT_LIST_DIR}/headers_kit.c
	USES headers record crypto base PkgConfig::jansson)
foreach(name view_headers chronicle)
	emr_test(test_${name}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
			${CMAKE_CURRENT_LIST_DIR}/headers_kit.c
		USES stack view settle headers ledger contract crypto Threads::Threads)
endforeach()
foreach(name csv html)
	emr_test(test_cmd_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_${name}.c
		USES ${emr_program} headers base keyring PkgConfig::jansson Threads::Threads)
endforeach()
