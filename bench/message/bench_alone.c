/*
 * bench_alone.c - stands in where GMime is not there.
 */
#include "bench.h"

const struct works works_gmime = {.name = NULL};
