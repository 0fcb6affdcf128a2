/* This header declares what the rules of datasets share with those of joining and of points. It
 * refuses to read a dataset that was not declared. */
#pragma once

#include "judge.h"

#include "contract/rows_share.h"

/* False when the dataset is absent. */
bool emr_judge_dataset(struct judge *judge, const uint8_t dataset[16], emr_row_dataset *out_row);
