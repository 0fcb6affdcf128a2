foreach(part args message frame places strength text)
	emr_test(test_cmd_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_${part}.c
		INCLUDES ${PROJECT_SOURCE_DIR}/fs/kit
		USES kit ipfs base keyring PkgConfig::jansson Threads::Threads)
endforeach()
# A test names the module that it is about, and no higher one: all that a module uses is built before its tests are linked.
# Of a high module one file alone is named where that needs little.
set(fs ${PROJECT_SOURCE_DIR}/fs)
emr_test(test_cmd_device_file SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_device_file.c ${fs}/session/network/device_file.c
	INCLUDES ${fs}/session/network/include USES kit base)
emr_test(test_cmd_notices SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_notices.c ${fs}/sharing/notices.c
	INCLUDES ${fs}/sharing/include USES kit base Threads::Threads)
emr_test(test_cmd_second_copy SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_second_copy.c ${fs}/session/second_copy.c
	INCLUDES ${fs}/session/include USES kit base)
emr_test(test_cmd_csv SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_csv.c
	INCLUDES ${fs}/tell/report USES report headers PkgConfig::jansson Threads::Threads)
foreach(part book origin)
	emr_test(test_cmd_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_${part}.c
		USES people base crypto keyring PkgConfig::jansson Threads::Threads)
endforeach()
foreach(part path progress)
	emr_test(test_cmd_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_${part}.c
		USES mount base keyring PkgConfig::jansson Threads::Threads)
endforeach()
emr_test(test_network_dir SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_network_dir.c
	USES session base keyring PkgConfig::jansson Threads::Threads)
# When a certificate is to be renewed.
emr_test(test_renewing SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_renewing.c
	INCLUDES ${PROJECT_SOURCE_DIR}/keyring
	USES network base keyring PkgConfig::jansson Threads::Threads
	LINK_OPTIONS -Wl,--wrap=emr_network_dir_of,--wrap=emr_replica_person)
target_link_options(test_cmd_notices PRIVATE -Wl,--wrap=syscall,--wrap=clock_gettime,--wrap=emr_text)
target_link_options(test_cmd_frame PRIVATE -Wl,--wrap=geteuid)
# The terms that a participant agreed to on joining a dataset are kept.
emr_test(test_research_agreed SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_research_agreed.c
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/sharing/research
	USES research org base crypto keyring PkgConfig::jansson Threads::Threads)
# Pages of program and libraries that only an opening needs.
emr_test(test_code_rest SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_code_rest.c
	USES mount OpenSSL::Crypto
	LINK_OPTIONS -Wl,-z,notext) # one address among the code, on purpose
# People are named before something is moved to where they see it.
emr_test(test_cmd_move SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_move.c
	USES verbs mount base keyring PkgConfig::jansson Threads::Threads
	LINK_OPTIONS -Wl,--wrap=emr_client_find,--wrap=emr_client_ask)
