# The rules of the house that a machine can see.
set(house ${CMAKE_CURRENT_LIST_DIR})

if(EMRFS_SANITIZE) # nothing here runs
	return()
endif()

# emr_below(<module> <header it may include> <headers it must not find>...): dependencies point one way.
function(emr_below module allowed)
	add_test(NAME ${module}_includes_only_what_lies_below
		COMMAND ${house}/wrong_include.sh ${CMAKE_C_COMPILER}
			"$<JOIN:$<TARGET_PROPERTY:emr_${module},INCLUDE_DIRECTORIES>,:>" ${allowed} ${ARGN})
	set_tests_properties(${module}_includes_only_what_lies_below PROPERTIES LABELS unit)
endfunction()

emr_below(base base/bytes.h crypto/hpke.h keyring/keyring.h)
emr_below(crypto base/bytes.h keyring/keyring.h contract/codes.h store/cid.h)
emr_below(keyring crypto/hpke.h contract/codes.h store/cid.h ledger/ledger.h)
emr_below(contract contract/codes.h base/status.h base/bytes.h keyring/keyring.h crypto/hpke.h store/cid.h)
emr_below(ledger contract/codes.h replica/replica.h store/cid.h record/content.h)
emr_below(replica ledger/ledger.h store/cid.h record/content.h view/view.h)
emr_below(store base/bytes.h keyring/keyring.h journal/journal.h record/content.h ledger/ledger.h)
emr_below(ipfs store/cid.h journal/journal.h record/content.h view/view.h kit/message.h ledger/ledger.h)
emr_below(journal store/cid.h record/content.h settle/settle.h ledger/ledger.h)
emr_below(record store/cid.h journal/journal.h contract/codes.h settle/settle.h view/view.h)
emr_below(share record/content.h settle/settle.h journal/journal.h view/view.h fuse/fuse.h)
emr_below(settle record/content.h view/view.h fuse/fuse.h)
emr_below(view settle/settle.h fuse/fuse.h kit/places.h)
emr_below(backup store/segment_file.h journal/journal.h record/content.h settle/settle.h view/view.h kit/places.h)
emr_below(fuse view/view.h kit/places.h)
emr_below(kit base/bytes.h session/session.h view/view.h ledger/ledger.h)
emr_below(session view/view.h network/joining.h people/who.h sharing/sharing.h mount/client.h)
emr_below(network session/session.h people/who.h org/bureau.h sharing/sharing.h mount/client.h)
emr_below(people session/session.h org/bureau.h sharing/sharing.h log/deeds.h mount/client.h)
emr_below(org session/session.h sharing/sharing.h log/deeds.h report/page.h mount/client.h)
emr_below(sharing people/who.h answers/evidence.h log/deeds.h report/page.h mount/client.h)
emr_below(answers session/session.h log/deeds.h report/page.h mount/client.h verbs/cmd.h)
emr_below(log people/who.h report/page.h mount/client.h verbs/cmd.h)
emr_below(report log/deeds.h mount/client.h verbs/cmd.h)
emr_below(mount session/session.h verbs/cmd.h)

add_test(NAME the_house_is_in_order COMMAND ${house}/house.sh ${PROJECT_SOURCE_DIR})
set_tests_properties(the_house_is_in_order PROPERTIES LABELS unit TIMEOUT ${EMR_PATIENCE_S})
add_test(NAME a_test_that_fails_beside_others_is_tried_alone COMMAND ${house}/run_again.sh ${PROJECT_SOURCE_DIR})
set_tests_properties(a_test_that_fails_beside_others_is_tried_alone PROPERTIES LABELS unit TIMEOUT ${EMR_PATIENCE_S})
