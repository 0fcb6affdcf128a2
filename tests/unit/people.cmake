foreach(part names points sealed rules)
	emr_test(test_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${part}.c ${CMAKE_CURRENT_LIST_DIR}/folk_kit.c
		USES ledger_kit)
endforeach()
emr_test(test_people SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_people.c ${CMAKE_CURRENT_LIST_DIR}/folk_kit.c
	USES session ledger_kit PkgConfig::jansson Threads::Threads)
foreach(part rogue_member chosen_times)
	emr_test(test_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${part}.c ${CMAKE_CURRENT_LIST_DIR}/rogue_kit.c
		${CMAKE_CURRENT_LIST_DIR}/folk_kit.c USES ledger_kit)
endforeach()
emr_test(test_org_chain SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_org_chain.c ${CMAKE_CURRENT_LIST_DIR}/cert_kit.c
	${CMAKE_CURRENT_LIST_DIR}/folk_kit.c USES ledger_kit OpenSSL::Crypto)
