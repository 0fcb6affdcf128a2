# Tests of what the program says in another language than English.
add_test(NAME every_sentence_is_translated COMMAND python3 ${CMAKE_CURRENT_LIST_DIR}/language.py
	${PROJECT_SOURCE_DIR} $<TARGET_FILE:emrfs_pages>)
set_tests_properties(every_sentence_is_translated PROPERTIES LABELS unit TIMEOUT ${EMR_PATIENCE_S})
add_test(NAME integration_menus COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/menus.sh $<TARGET_FILE:emrfs_pages> ${PROJECT_SOURCE_DIR}/packaging/actions/make_actions.sh)
set_tests_properties(integration_menus PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S})
add_test(NAME integration_language COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/language.sh)
set_tests_properties(integration_language PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77 COST 20
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;PACKAGING=${PROJECT_SOURCE_DIR}/packaging")
