# Contract, manual pages and completion: one table makes them all.
set(contract ${CMAKE_CURRENT_LIST_DIR}/contract.py $<TARGET_FILE:emrfs_pages> ${PROJECT_SOURCE_DIR}/doc/manual/contract.md)
add_test(NAME the_program_is_what_the_contract_says COMMAND python3 ${contract})
set_tests_properties(the_program_is_what_the_contract_says PROPERTIES LABELS unit TIMEOUT ${EMR_PATIENCE_S})
if(NOT EMRFS_SANITIZE)
	add_test(NAME manual_pages_and_completion COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/pages.sh
		$<TARGET_FILE:emrfs_pages> ${PROJECT_BINARY_DIR}/fs/verbs/pages/share)
	set_tests_properties(manual_pages_and_completion PROPERTIES LABELS unit TIMEOUT ${EMR_PATIENCE_S})
	add_test(NAME integration_contract COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/contract.sh)
	set_tests_properties(integration_contract PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;CONTRACT=${PROJECT_SOURCE_DIR}/doc/manual/contract.md")
endif()
