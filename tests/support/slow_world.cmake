# The folder in a slow world (slow_world.c): where ledger and blocks are slow, where the ledger loses half of its answers ("lost"), and
# where it is away most of the time ("away").  The delays are those that a whole run can pay for.
include_guard(DIRECTORY)
set(slow_wraps -Wl,--wrap=emr_ledger_open,--wrap=emr_block_store_get_verified,--wrap=emr_block_store_put,--wrap=emr_view_publish_now)
# emr_slow_test(<name> SOURCES ... USES ... INCLUDES ... WORLDS ...): tests that are there already, once more; in no world only built.
function(emr_slow_test name)
	cmake_parse_arguments(S "" "" "SOURCES;USES;INCLUDES;WORLDS" ${ARGN})
	list(POP_FRONT S_SOURCES own)
	emr_once(shared SOURCES ${S_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/slow_world.c USES ${S_USES} INCLUDES ${S_INCLUDES})
	add_executable(slow_${name} ${own} ${shared})
	if(EMRFS_SANITIZE) # it asks about order, not about memory
		set_target_properties(slow_${name} PROPERTIES EXCLUDE_FROM_ALL TRUE)
	endif()
	target_include_directories(slow_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support ${S_INCLUDES})
	target_compile_definitions(slow_${name} PRIVATE EMR_VECTOR_DIR="${PROJECT_SOURCE_DIR}/tests/vectors")
	target_link_options(slow_${name} PRIVATE ${slow_wraps})
	target_link_libraries(slow_${name} PRIVATE emr_flags PkgConfig::cmocka)
	foreach(used IN LISTS S_USES)
		emr_resolve(${used} target)
		target_link_libraries(slow_${name} PRIVATE ${target})
	endforeach()
	foreach(world IN LISTS S_WORLDS)
		add_test(NAME slow_${name}_${world} COMMAND slow_${name})
		set_tests_properties(slow_${name}_${world} PROPERTIES LABELS slow TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
			ENVIRONMENT "EMR_SLOW=${world}")
	endforeach()
endfunction()
