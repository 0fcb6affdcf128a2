include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_headers
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_headers.c ${CMAKE_CURRENT_LIST_DIR}/headers_kit.c
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/helper/headers
	USES headers_parse record crypto base PkgConfig::jansson)
emr_test(test_header_reader
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_header_reader.c
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/helper/headers
	DEFINES EMR_READ_HEADERS="$<TARGET_FILE:emrfs_read_headers>" EMR_HEADERS_CORPUS="${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/fuzz_headers"
	USES headers_parse helper_inside base)
add_dependencies(test_header_reader emrfs_read_headers)
set(chronicle_others ${CMAKE_CURRENT_LIST_DIR}/others_kit.c ${CMAKE_CURRENT_LIST_DIR}/reads_kit.c)
set(chronicle_links -Wl,--wrap=sqlite3_step)
foreach(name view_headers chronicle)
	emr_test(test_${name}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
			${CMAKE_CURRENT_LIST_DIR}/headers_kit.c ${${name}_others}
		INCLUDES ${PROJECT_SOURCE_DIR}/fs/helper/headers
		USES stack view settle headers_parse helper_inside ledger contract crypto Threads::Threads PkgConfig::sqlite3
		LINK_OPTIONS ${${name}_links})
endforeach()
