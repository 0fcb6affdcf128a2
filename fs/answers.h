/* What the open keyring answers to `verify` and `ledger`, in the mount or in the verb's own
 * process. It refuses to give out keys or content: only what was found. */
#pragma once

#include "cmd/frame.h"
#include "session.h"

/* Receives objects as they come (progress, entries); steals the reference.  Not EMR_OK ends the
 * work, which then returns it. */
typedef emr_status (*emr_emit_fn)(void *arg, json_t *object);

/* Checks what REQUEST asks for (path, quick, chain).  Emits {"progress":{"done","of"}} now and
 * then, {"progress":{"part"}} when the blocks ("blocks") and the ledger ("ledger") have their turn, {"bad":{path place error}} for each fault, and last
 * {"done":true,"checked","bad_count","chain",...}. */
emr_status emr_answer_verify(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Entries of the ledger, newest first: emits {"entries":[...]} in portions, and last
 * {"done":true,"checkpoint":...}. */
emr_status emr_answer_ledger(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Versions of the file at REQUEST's path, oldest first: emits {"versions":[...]} in portions, and
 * last {"done":true}. */
emr_status emr_answer_versions(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
/* Brings back what REQUEST names, and returns when the kernel knows: emits {"done":true,"restored",
 * "version","bytes","unchanged"}. */
emr_status emr_answer_restore(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Renames REQUEST's path to `to`, and returns when the kernel knows; with `look` only says what would follow: emits
 * {"done":true,"path","gains":[ids],"loses":[ids]}. */
emr_status emr_answer_move(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
/* Erases what REQUEST names, or counts it with `look`: emits {"done":true,"live","deleted","directories","finished",
 * "not_reached":[{who why}]}. */
emr_status emr_answer_erase(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
/* Requests for access, both ways: emits {"requests":[...]} in portions, and last {"done":true,"waiting","held_back"}; or, with
 * `who`, sends one and emits it with "done". */
emr_status emr_answer_request(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
/* What a yes to REQUEST's id would share (`look`), or notes that it is meant so, and the grant to come answers it: emits
 * {"done":true,"id","rights","path","who","purposes","until_unix"}. */
emr_status emr_answer_approve(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
/* As orders and petitions carry it: what `write`, `deposit` and `history` of REQUEST come to (giving.c). */
uint16_t emr_rights_asked(const emr_request *request);
/* Says no to REQUEST's id, or takes one's own back: emits {"done":true,"id","withdrawn"}. */
emr_status emr_answer_deny(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
/* What happened to REQUEST's path (or to everything) since its time, oldest first: emits {"entries":[...]} in portions, each
 * with "at_unix" besides what log.json has, and last {"done":true}. */
emr_status emr_answer_log(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Sets what REQUEST's path says of keeping, gives back dead space with `purge`, and lists: emits {"done":true,
 * "kept":[{path bytes complete keep}],"cache_bytes","last_copy"}. */
emr_status emr_answer_keep(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
/* Writes REQUEST's file, which must not be there yet: the records at path, or the proof of the file there.  Emits progress,
 * and last {"done":true,"records","bytes"}. */
emr_status emr_answer_export(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
/* Reads records out of REQUEST's file into the directory at path.  Emits progress, {"bad":{path error}} for each one that
 * was not read, and last {"done":true,"records","bytes","bad_count"}. */
emr_status emr_answer_import(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* The own card (`mine`: {"done":true,"card","qr","name","born","code","valid_until"}); or, as {"people":[...]} with "done" in the last:
 * whom the book has, or the one of `who`; who comes with `card` (and "change": added, same, renewed, rekeyed); with `number` the
 * safety number, noted as compared, or with `drop` as not. */
emr_status emr_answer_people(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* What is shared ({"grants":[...]} in portions, last "done"); with a path what sharing it would be (`look`: {"done":true,"path",
 * "who","text","compared","known","files","bytes","wrapped","released_by","needed","wider_until_unix"}) or that it was asked for ({"done":true,"order"});
 * with `order` how far that is ({"done":true,"state","cause"}). */
emr_status emr_answer_share(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
/* Ends what `who` has at path, or everywhere: emits {"ended":[{id path}]}, {"opened":[{path version at proven}]} in portions, and last
 * {"done":true,"orders":[numbers],"names_seen"}. */
emr_status emr_answer_revoke(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* The object id of a path of the folder: EMR_NOT_FOUND. */
emr_status emr_answer_find(emr_session *session, const char *path, emr_id16 *out_object,
	bool *out_is_published, emr_problem *out_problem);
