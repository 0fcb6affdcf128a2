# How a module, a test and a fuzz target of emrfs are made.  A module sees the public headers of
# the modules it names and of no others: a wrong include does not compile.

set(EMRFS_SANITIZE "" CACHE STRING "Sanitizers for everything, e.g. address,undefined or thread")
set(EMR_WORKS 3) # PROCESSORS of a test that works; one that mostly waits has 1 (tests/run has five for each processor)
option(EMRFS_FUZZ "Build the libFuzzer targets (clang only)" OFF)
option(EMRFS_UNIT_TESTS "Build also what tests parts of emrfs: unit, conformance and fault tests" ON)

add_library(emr_flags INTERFACE)
target_compile_features(emr_flags INTERFACE c_std_11)
target_compile_definitions(emr_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(emr_flags INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wvla
	-Wcast-qual -Wswitch-enum -Wformat=2 -Wpointer-arith -Wundef -Werror=unused-result
	-Werror=implicit-function-declaration -fvisibility=hidden -fstack-protector-strong
	-fno-strict-aliasing $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
target_link_options(emr_flags INTERFACE -Wl,-z,relro,-z,now)
if(EMRFS_SANITIZE)
	target_compile_options(emr_flags INTERFACE
		-fsanitize=${EMRFS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
	target_link_options(emr_flags INTERFACE -fsanitize=${EMRFS_SANITIZE})
	# gcc's ThreadSanitizer stands before dlopen in a library of its own, so only an RPATH, which counts for all libraries of a program, leads to
	# the modules of emrfs.
	target_link_options(emr_flags INTERFACE -Wl,--disable-new-dtags)
endif()
if(EMRFS_FUZZ)
	target_compile_options(emr_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# emr_module(<name> SOURCES ... [USES ...] [PRIVATE_USES ...])
#   USES: modules whose headers the public headers of this one include.
#   PRIVATE_USES: modules and libraries that only the .c files see.
function(emr_module name)
	cmake_parse_arguments(M "" "" "SOURCES;USES;PRIVATE_USES" ${ARGN})
	add_library(emr_${name} STATIC ${M_SOURCES})
	target_include_directories(emr_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include
		PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
	set_target_properties(emr_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
	target_link_libraries(emr_${name} PRIVATE emr_flags)
	foreach(used IN LISTS M_USES)
		emr_resolve(${used} target)
		target_link_libraries(emr_${name} PUBLIC ${target})
	endforeach()
	foreach(used IN LISTS M_PRIVATE_USES)
		emr_resolve(${used} target)
		target_link_libraries(emr_${name} PRIVATE ${target})
	endforeach()
endfunction()

# A bare word is a module of ours; a name with "::" is a library from elsewhere.
function(emr_resolve used out)
	if(used MATCHES "::")
		set(${out} ${used} PARENT_SCOPE)
	else()
		set(${out} emr_${used} PARENT_SCOPE)
	endif()
endfunction()

# emr_once(<out> SOURCES ... [USES ...] [INCLUDES ...] [DEFINES ...]): what several tests share (kits, suites, a main) is compiled once for all.
# OUT: its objects, for add_executable.  USES and INCLUDES are those of whoever comes first: what compiles there is the same for the others.
function(emr_once out)
	cmake_parse_arguments(O "" "" "SOURCES;USES;INCLUDES;DEFINES" ${ARGN})
	set(objects)
	foreach(source IN LISTS O_SOURCES)
		get_filename_component(path ${source} ABSOLUTE)
		file(RELATIVE_PATH once ${PROJECT_SOURCE_DIR} ${path})
		string(MAKE_C_IDENTIFIER "once_${once}_${O_DEFINES}" once)
		if(NOT TARGET ${once})
			add_library(${once} OBJECT EXCLUDE_FROM_ALL ${path})
			target_include_directories(${once} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support ${O_INCLUDES})
			target_compile_definitions(${once} PRIVATE EMR_VECTOR_DIR="${PROJECT_SOURCE_DIR}/tests/vectors" ${O_DEFINES})
			target_link_libraries(${once} PRIVATE emr_flags PkgConfig::cmocka)
			foreach(used IN LISTS O_USES)
				emr_resolve(${used} target)
				target_link_libraries(${once} PRIVATE ${target})
			endforeach()
		endif()
		list(APPEND objects $<TARGET_OBJECTS:${once}>)
	endforeach()
	set(${out} ${objects} PARENT_SCOPE)
endfunction()

# No test is judged by how long it takes: it waits for events.  This limit ends one that hangs, on the busiest of computers;
# where a whole run has an hour, one that hangs must leave time for the others and for the summary.
set(EMR_PATIENCE_S 3600)
if("$ENV{CI}" STREQUAL "true")
	set(EMR_PATIENCE_S 1500)
endif()

# emr_test(<name> SOURCES ... USES ... [LABELS ...] [COST seconds] [INCLUDES private dirs] [THREADS | NOT_TSAN])
#   ThreadSanitizer runs what has the label "threads": a test that uses Threads::Threads; of those with a stack, whose four
#   kinds of helpers are the same in each, only one that calls pthread_create itself or says THREADS.  Any other is linked so that it
#   fails when it starts a thread of another kind all the same.  NOT_TSAN: has threads, but not for their races.
function(emr_test name)
	cmake_parse_arguments(T "NOT_TSAN;THREADS" "COST" "SOURCES;USES;LABELS;INCLUDES;DEFINES;LINK_OPTIONS" ${ARGN})
	if(NOT T_LABELS)
		set(T_LABELS unit)
	endif()
	set(starters 0)
	if(stack IN_LIST T_USES)
		list(GET T_SOURCES 0 first)
		file(STRINGS ${first} own REGEX "pthread_create\\(")
		set(starters 4)
		if(own)
			set(T_THREADS TRUE)
		endif()
	elseif("Threads::Threads" IN_LIST T_USES)
		set(T_THREADS TRUE)
	endif()
	if(T_NOT_TSAN)
		set(T_THREADS FALSE)
	elseif(T_THREADS)
		list(APPEND T_LABELS threads)
	else()
		emr_once(one_thread SOURCES ${PROJECT_SOURCE_DIR}/tests/support/one_thread.c DEFINES EMR_STARTERS=${starters})
		list(APPEND T_LINK_OPTIONS -Wl,--wrap=pthread_create)
	endif()
	list(POP_FRONT T_SOURCES own)
	if(NOT T_DEFINES)
		emr_once(T_SOURCES SOURCES ${T_SOURCES} USES ${T_USES} INCLUDES ${T_INCLUDES})
	endif()
	add_executable(${name} ${own} ${T_SOURCES} ${one_thread})
	if(EMRFS_SANITIZE MATCHES "thread" AND NOT T_THREADS) # nobody runs it there
		set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL TRUE)
	endif()
	target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support ${T_INCLUDES})
	target_compile_definitions(${name} PRIVATE
		EMR_VECTOR_DIR="${PROJECT_SOURCE_DIR}/tests/vectors" ${T_DEFINES})
	target_link_options(${name} PRIVATE ${T_LINK_OPTIONS})
	target_link_libraries(${name} PRIVATE emr_flags PkgConfig::cmocka)
	foreach(used IN LISTS T_USES)
		emr_resolve(${used} target)
		target_link_libraries(${name} PRIVATE ${target})
	endforeach()
	add_test(NAME ${name} COMMAND ${name})
	set_tests_properties(${name} PROPERTIES LABELS "${T_LABELS}" TIMEOUT ${EMR_PATIENCE_S}
		SKIP_RETURN_CODE 77 PROCESSORS ${EMR_WORKS})
	if(T_COST)
		set_tests_properties(${name} PROPERTIES COST ${T_COST})
	endif()
endfunction()

# emr_fuzz(<name> SOURCES ... USES ...): a libFuzzer target, which is a test of its kept corpus, too.
function(emr_fuzz name)
	cmake_parse_arguments(F "" "" "SOURCES;USES;INCLUDES" ${ARGN})
	add_executable(${name} ${F_SOURCES})
	set_source_files_properties(${F_SOURCES} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes) # libFuzzer declares its function nowhere
	target_link_options(${name} PRIVATE -fsanitize=fuzzer)
	add_test(NAME ${name}_corpus COMMAND ${name} -runs=0 ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
	set_tests_properties(${name}_corpus PROPERTIES LABELS fuzz TIMEOUT ${EMR_PATIENCE_S})
	target_include_directories(${name} PRIVATE ${F_INCLUDES})
	target_link_libraries(${name} PRIVATE emr_flags)
	foreach(used IN LISTS F_USES)
		emr_resolve(${used} target)
		target_link_libraries(${name} PRIVATE ${target})
	endforeach()
endfunction()
