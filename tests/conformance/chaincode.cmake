# The contract as chaincode, built with the official shim, against the recorded batches.
if(EMRFS_SANITIZE) # its C is tested with sanitizers by test_hosted; Go has none of them
	return()
endif()

add_executable(chaincode_live ${CMAKE_CURRENT_LIST_DIR}/chaincode_live.c)
target_link_libraries(chaincode_live PRIVATE emr_flags emr_ledger_kit PkgConfig::jansson)

set(build ${PROJECT_SOURCE_DIR}/ledger-client/chaincode/build)
set(out ${CMAKE_BINARY_DIR}/ledger-client/chaincode)
# The contract, and then the programs of the tests, which find nearly everything compiled.
add_test(NAME chaincode_is_built COMMAND sh -c "\"$0\" \"$1\" \"$2\" && exec \"$0\" \"$@\"" ${build} ${CMAKE_BINARY_DIR} ${out}
	${CMAKE_CURRENT_LIST_DIR}/chaincode ./recorded ./drive)
set_tests_properties(chaincode_is_built PROPERTIES LABELS conformance
	TIMEOUT 3600 COST 160 FIXTURES_SETUP chaincode PROCESSORS ${EMR_WORKS})
add_test(NAME conformance_chaincode COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/chaincode.sh ${out} recorded
	wire ${CMAKE_CURRENT_LIST_DIR}/contract ${PROJECT_SOURCE_DIR}/tests/vectors)
add_test(NAME conformance_chaincode_live COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/chaincode.sh ${out} recorded
	live $<TARGET_FILE:chaincode_live>)
add_test(NAME conformance_chaincode_clock COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/chaincode.sh ${out} emr-chaincode clock)
add_test(NAME conformance_chaincode_letters COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/chaincode.sh ${out} recorded letters)
set_tests_properties(conformance_chaincode conformance_chaincode_live conformance_chaincode_clock conformance_chaincode_letters PROPERTIES LABELS conformance TIMEOUT ${EMR_PATIENCE_S}
	FIXTURES_REQUIRED chaincode PROCESSORS ${EMR_WORKS})
