# The client of Fabric CA against tests/support/fake_ca.py.
add_executable(enrol_calls ${CMAKE_CURRENT_LIST_DIR}/enrol_calls.c)
target_include_directories(enrol_calls PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
target_link_libraries(enrol_calls PRIVATE emr_flags emr_enrol emr_served_client emr_keyring emr_base PkgConfig::cmocka)
add_test(NAME conformance_enrol COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/enrol.sh $<TARGET_FILE:enrol_calls>)
set_tests_properties(conformance_enrol PROPERTIES LABELS conformance TIMEOUT ${EMR_PATIENCE_S})
# A real one is built by examples/network/fabric build ca, which says where it is (tests/run).
set(EMRFS_FABRIC_CA "" CACHE FILEPATH "A fabric-ca-server 1.5")
if(EMRFS_FABRIC_CA)
	add_test(NAME conformance_enrol_live COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/enrol.sh $<TARGET_FILE:enrol_calls> ${EMRFS_FABRIC_CA})
	set_tests_properties(conformance_enrol_live PROPERTIES LABELS conformance TIMEOUT ${EMR_PATIENCE_S})
endif()
