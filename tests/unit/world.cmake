# The folder in a slow world: what is short enough for every run.
include(${PROJECT_SOURCE_DIR}/tests/support/slow_world.cmake)
set(worlds_keep slow lost away)
set(worlds_past slow lost away)
set(worlds_promise lost away)
set(worlds_quiet slow lost)
set(worlds_tree lost)
set(worlds_renamed slow lost)
foreach(theme keep past promise quiet tree files settle)
	emr_slow_test(view_${theme} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_${theme}.c ${view_kit}
		USES ${view_uses} INCLUDES ${view_inside} WORLDS ${worlds_${theme}})
endforeach()
target_link_options(slow_view_quiet PRIVATE ${view_quiet_links})
foreach(part folder reading renamed)
	emr_slow_test(shared_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_shared_${part}.c ${shared_kit}
		USES ${shared_uses} INCLUDES ${view_inside} WORLDS ${worlds_${part}})
endforeach()
