/* This turns statuses and attributes into what the kernel understands. It is the only place that
 * makes an errno. */
#pragma once

#include "session.h"

void reply_status(fuse_req_t req, emr_status status);
/* The same, and what people should know of it as a notice: STATUS of a call on NAME in NODE, or on
 * NODE itself. */
void reply_refusal(
	fuse_req_t req, const session *s, uint64_t node, const char *name, emr_status status);
void stat_of(const session *s, const emr_attr *attr, struct stat *out_stat);
double attr_timeout_of(const emr_attr *attr);
void entry_of(const session *s, const emr_attr *attr, struct fuse_entry_param *out_entry);
/* Answers with ATTR, whose kernel reference is given back when the kernel does not take it. */
void reply_entry(fuse_req_t req, session *s, const emr_attr *attr);
/* ENAMETOOLONG answered here already: true. */
bool refused_long_name(fuse_req_t req, const char *name);
