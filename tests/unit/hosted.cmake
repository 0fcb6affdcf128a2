emr_test(test_hosted
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_hosted.c ${CMAKE_CURRENT_LIST_DIR}/cert_kit.c
		${CMAKE_CURRENT_LIST_DIR}/test_contract_kit.c ${CMAKE_CURRENT_LIST_DIR}/test_contract_record.c
		${CMAKE_CURRENT_LIST_DIR}/test_contract_samples.c
	USES hosted contract keyring hashsig base OpenSSL::Crypto PkgConfig::sodium PkgConfig::jansson)
