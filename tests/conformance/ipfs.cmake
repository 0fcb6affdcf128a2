# The client of IPFS nodes: one suite against a node that is written for tests and against a live one, and the many ways in which
# a node can fail against the former.
set(node ${CMAKE_CURRENT_LIST_DIR}/ipfs_node.sh)

# emr_node_test(<test> <program> <fake|live>)
function(emr_node_test name program kind)
	add_test(NAME ${name} COMMAND ${node} ${kind} $<TARGET_FILE:${program}>)
	set_tests_properties(${name} PROPERTIES LABELS conformance TIMEOUT ${EMR_PATIENCE_S})
endfunction()

foreach(program ipfs_suite ipfs_faults ipfs_copies)
	add_executable(${program} ${CMAKE_CURRENT_LIST_DIR}/${program}.c)
	target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
	target_link_libraries(${program} PRIVATE emr_flags emr_ipfs PkgConfig::cmocka Threads::Threads)
endforeach()
emr_node_test(conformance_ipfs_fake ipfs_suite fake)
emr_node_test(conformance_ipfs_faults ipfs_faults fake)
emr_node_test(conformance_ipfs_copies ipfs_copies fake)
set_tests_properties(conformance_ipfs_fake conformance_ipfs_copies PROPERTIES LABELS "conformance;threads")
if(NOT EMRFS_SANITIZE)
	emr_node_test(conformance_ipfs_live ipfs_suite live)
	emr_node_test(conformance_ipfs_token ipfs_suite token)
	set_tests_properties(conformance_ipfs_live conformance_ipfs_token PROPERTIES FIXTURES_REQUIRED kubo)
endif()
