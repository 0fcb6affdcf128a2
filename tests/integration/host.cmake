# Networks without Fabric.
foreach(name host host_recovery network_leave invitation agent_silent host_bad host_deposit host_gone host_hangs host_members host_moves host_rot host_gap host_barred host_socket meet meet_menu meet_terminal practice rules two_histories)
	add_test(NAME integration_${name} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${name}.sh)
	set_tests_properties(integration_${name} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;EMRFS_FIRST=$<TARGET_FILE:emrfs_first>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
endforeach()
