# A mount in a slow world.
include(${PROJECT_SOURCE_DIR}/tests/support/slow_world.cmake)
if(NOT EMRFS_SANITIZE)
	add_executable(emrfs_slow ${PROJECT_SOURCE_DIR}/fs/main.c ${PROJECT_SOURCE_DIR}/tests/support/slow_world.c)
	set_target_properties(emrfs_slow PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/slow)
	target_compile_definitions(emrfs_slow PRIVATE EMRFS_VERSION="${PROJECT_VERSION}")
	target_link_options(emrfs_slow PRIVATE ${slow_wraps})
	target_link_libraries(emrfs_slow PRIVATE emr_flags emr_verbs emr_view emr_ledger emr_store)
	add_test(NAME mount_in_a_slow_world COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/slow.sh)
	set_tests_properties(mount_in_a_slow_world PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs_slow>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
endif()
