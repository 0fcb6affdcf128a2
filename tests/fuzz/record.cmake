foreach(name m statement meta)
	emr_fuzz(fuzz_record_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_record_${name}.c USES record)
endforeach()
emr_fuzz(fuzz_record_spill SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_record_spill.c USES record
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/record)
