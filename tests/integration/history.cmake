# Days gone by and deleted files, on a real mount.
add_test(NAME integration_history COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/history.sh)
set_tests_properties(integration_history PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")

# Records that changed their top-level folder.
add_test(NAME integration_moved COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/moved.sh)
set_tests_properties(integration_moved PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# Words about paths, and a deleted folder that comes back.
add_test(NAME integration_words COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/words.sh)
set_tests_properties(integration_words PROPERTIES LABELS integration TIMEOUT 400 SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
