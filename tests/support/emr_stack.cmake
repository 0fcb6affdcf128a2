# A whole emrfs below the kernel, for tests that want one.
include_guard(GLOBAL)
add_library(emr_stack STATIC ${PROJECT_SOURCE_DIR}/tests/support/emr_stack.c)
target_include_directories(emr_stack PUBLIC ${PROJECT_SOURCE_DIR}/tests/support)
target_link_libraries(emr_stack PRIVATE emr_flags PUBLIC emr_view emr_settle emr_contract emr_crypto
	Threads::Threads)
target_compile_definitions(emr_stack PRIVATE EMR_READ_HEADERS="$<TARGET_FILE:emrfs_read_headers>")
add_dependencies(emr_stack emrfs_read_headers)
