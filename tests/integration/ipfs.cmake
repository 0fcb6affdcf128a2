# Most of these tests need real IPFS nodes: Kubo is built once, which takes minutes, and kept in the cache of the person who runs them.
# A node that is written for tests is enough for these.
foreach(script fetch_write fetch_apart bad_nodes copies_told lost_here node_barred)
	add_test(NAME integration_${script} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${script}.sh)
	set_tests_properties(integration_${script} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
endforeach()
if(EMRFS_SANITIZE) # Kubo is what is tested here, and it is built without
	return()
endif()

add_test(NAME integration_network_kit COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/network_kit.sh)
set_tests_properties(integration_network_kit PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77)
set(network ${PROJECT_SOURCE_DIR}/examples/network/ipfs)
add_test(NAME kubo_is_built COMMAND ${network} build)
set_tests_properties(kubo_is_built PROPERTIES LABELS integration TIMEOUT 3600 COST 340
	FIXTURES_SETUP kubo PROCESSORS ${EMR_WORKS})
foreach(script ipfs changed_nodes copies_first fetch fetch_shared fetch_stalled publish stock_tools two_nodes)
	add_test(NAME integration_${script} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${script}.sh)
	set_tests_properties(integration_${script} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		FIXTURES_REQUIRED kubo
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
endforeach()
# Other tests as they are, while everybody in them gives what is saved to a node: what one shares and another reads, what others leave, what is
# erased. Of requests, teams and released keys a node gets nothing.
foreach(script shared inbox erase)
	add_test(NAME integration_${script}_with_node COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/with_node.sh ${script})
	set_tests_properties(integration_${script}_with_node PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		FIXTURES_REQUIRED kubo
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
endforeach()
# IPFS Cluster is built once, too, in two minutes of two processors.
add_test(NAME cluster_is_built COMMAND ${network}-cluster build)
set_tests_properties(cluster_is_built PROPERTIES LABELS integration TIMEOUT 3600 COST 85
	FIXTURES_SETUP cluster PROCESSORS ${EMR_WORKS})
add_test(NAME integration_ipfs_cluster COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/ipfs_cluster.sh)
set_tests_properties(integration_ipfs_cluster PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	FIXTURES_REQUIRED "kubo;cluster"
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
