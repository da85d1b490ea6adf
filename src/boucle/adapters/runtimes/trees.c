/* Sums of the leaves that rows fall into, over many trees. Several rows, or several trees, go down side by side and
 * without a branch, so that the processor has no turn to guess: on rows it has not met before that is most of the time.
 *
 * At a node a row goes to `next`, or to the one behind it where its feature is above the border. A leaf's next is
 * itself, and nothing is above its border. Sums are added up in the order of the trees.
 */
#include <stdint.h>

typedef struct {
    double border;
    int32_t feature;
    int32_t next;
} Node;

enum { LANES = 16 };

static inline int32_t below(const Node *nodes, int32_t at, const double *row) {
    return nodes[at].next + (row[nodes[at].feature] > nodes[at].border);
}

void boucle_trees(const double *x, int64_t rows, int64_t width, const Node *nodes, const double *leaves,
                  const int32_t *roots, const int32_t *depths, const int32_t *targets, int64_t trees, int64_t wide,
                  double *sums) {
    int32_t at[LANES];
    int64_t row = 0;
    for (; row + LANES <= rows; row += LANES)
        for (int64_t tree = 0; tree < trees; tree++) {
            for (int lane = 0; lane < LANES; lane++) at[lane] = roots[tree];
            for (int32_t level = depths[tree]; level > 0; level--)
                for (int lane = 0; lane < LANES; lane++) at[lane] = below(nodes, at[lane], x + (row + lane) * width);
            double *sum = sums + row * wide + targets[tree];
            for (int lane = 0; lane < LANES; lane++) sum[lane * wide] += leaves[at[lane]];
        }
    for (; row < rows; row++) /* the rows that are left go down many trees at once */
        for (int64_t tree = 0; tree < trees; tree += LANES) {
            int many = trees - tree < LANES ? (int)(trees - tree) : LANES;
            int32_t deepest = 0;
            for (int lane = 0; lane < LANES; lane++) {
                int64_t one = lane < many ? tree + lane : tree;
                at[lane] = roots[one];
                deepest = depths[one] > deepest ? depths[one] : deepest;
            }
            for (int32_t level = deepest; level > 0; level--)
                for (int lane = 0; lane < LANES; lane++) at[lane] = below(nodes, at[lane], x + row * width);
            for (int lane = 0; lane < many; lane++) sums[row * wide + targets[tree + lane]] += leaves[at[lane]];
        }
}
