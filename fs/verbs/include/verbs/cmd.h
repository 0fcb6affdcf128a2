/* These are the verbs: each takes its parsed line and says its answer. They refuse to decide
 * about records themselves. */
#pragma once

#include "kit/out.h"

/* Each returns the exit code; what failed was said with emr_out_fail. */
int emr_cmd_init(const emr_args *args, emr_out *out);
/* init --restore. */
int emr_init_restore(const emr_args *args, emr_out *out);
/* org create: init with a network of its own directory. */
int emr_init_network(const emr_args *args, emr_out *out);
int emr_cmd_agent(const emr_args *args, emr_out *out);
int emr_cmd_host(const emr_args *args, emr_out *out);
emr_status emr_cmd_dataset(const emr_args *args, emr_out *out, emr_problem *out_problem);
int emr_cmd_invite(const emr_args *args, emr_out *out);
int emr_cmd_org(const emr_args *args, emr_out *out);
#define EMR_JOIN_WITHIN_NS                                                                         \
	((int64_t)600 *                                                                            \
		1000000000) /* how long the two sides of an invitation wait for each other */
int emr_cmd_join(const emr_args *args, emr_out *out);
int emr_cmd_practice(const emr_args *args, emr_out *out);
int emr_cmd_mount(const emr_args *args, emr_out *out);
int emr_cmd_unmount(const emr_args *args, emr_out *out);
emr_status emr_cmd_status(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_restore(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_move(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_share(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_revoke(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_keep(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_copies(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_erase(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_people(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_request(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_approve(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_deny(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_log(const emr_args *args, emr_out *out, emr_problem *out_problem);
/* --until of VERB; untouched when it is not given.  EMR_INVALID: said, each mistake by its own
 * sentence. */
emr_status emr_until_take(
	const emr_args *args, const char *verb, uint64_t *io_unix_s, emr_problem *out_problem);
/* The same of --purpose. */
emr_status emr_purposes_take(
	const emr_args *args, const char *verb, uint32_t *io_bits, emr_problem *out_problem);
emr_status emr_cmd_verify(const emr_args *args, emr_out *out, emr_problem *out_problem);
/* verify --proof. */
emr_status emr_verify_proof(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_ledger(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_export(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_backup(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_passwd(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_trustees(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_executor(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_emergency(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_guardian(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_words(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_device(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_wallet(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_recover(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_network(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_cmd_check(const emr_args *args, emr_out *out, emr_problem *out_problem);
int emr_cmd_help(const emr_args *args, emr_out *out);
