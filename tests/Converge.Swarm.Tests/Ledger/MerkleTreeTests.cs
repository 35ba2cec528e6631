using Converge.Swarm.Ledger;

namespace Converge.Swarm.Tests.Ledger;

public sealed class MerkleTreeTests
{
    private const int Largest = 40;

    // The leaves and roots that Certificate Transparency implementations are tested with.
    private static readonly Hash256[] Leaves = [.. new[] { "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f" }
        .Select(hex => MerkleTree.LeafHash(Convert.FromHexString(hex)))];

    private static readonly string[] Roots =
    [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    private static readonly Hash256[] ManyLeaves = [.. Enumerable.Range(0, Largest).Select(number => MerkleTree.LeafHash([(byte)number]))];

    [Fact]
    public void Roots_are_those_of_RFC_6962()
    {
        var frontier = new MerkleFrontier();
        for (int size = 0; size <= Leaves.Length; size++)
        {
            Assert.Equal(Roots[size], frontier.Root.ToString());
            Assert.Equal(Roots[size], MerkleTree.Root(LeafAt, (ulong)size).ToString());
            Assert.Equal((ulong)size, frontier.Count);
            if (size < Leaves.Length)
            {
                frontier.Append(Leaves[size]);
            }
        }
    }

    [Fact]
    public void A_copy_of_the_frontier_is_independent()
    {
        var frontier = new MerkleFrontier();
        frontier.Append(Leaves[0]);
        MerkleFrontier copy = frontier.Copy();
        frontier.Append(Leaves[1]);
        Assert.Equal((Roots[1], Roots[2]), (copy.Root.ToString(), frontier.Root.ToString()));
        copy.Append(Leaves[1]);
        Assert.Equal(frontier.Root, copy.Root);
    }

    [Theory]
    [InlineData(0, 1, "")]
    [InlineData(0, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e 6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")]
    [InlineData(5, 8, "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    [InlineData(1, 5, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b")]
    public void Inclusion_proofs_are_those_of_RFC_6962(ulong leaf, ulong size, string expected) =>
        Assert.Equal(expected, string.Join(' ', MerkleTree.InclusionProof(LeafAt, leaf, size)));

    [Theory]
    [InlineData(1, 1, "")]
    [InlineData(1, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e 6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")]
    [InlineData(6, 8, "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(2, 5, "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b")]
    public void Consistency_proofs_are_those_of_RFC_6962(ulong oldSize, ulong newSize, string expected) =>
        Assert.Equal(expected, string.Join(' ', MerkleTree.ConsistencyProof(LeafAt, oldSize, newSize)));

    [Fact]
    public void Every_leaf_of_every_tree_is_proved_and_nothing_else_is()
    {
        for (ulong size = 1; size <= Largest; size++)
        {
            Hash256 root = MerkleTree.Root(ManyLeafAt, size);
            for (ulong leaf = 0; leaf < size; leaf++)
            {
                IReadOnlyList<Hash256> proof = MerkleTree.InclusionProof(ManyLeafAt, leaf, size);
                Assert.True(MerkleTree.VerifyInclusion(ManyLeafAt(leaf), leaf, size, proof, root));

                Assert.False(MerkleTree.VerifyInclusion(ManyLeafAt((leaf + 1) % Largest), leaf, size, proof, root));
                Assert.False(MerkleTree.VerifyInclusion(ManyLeafAt(leaf), leaf, size, [.. proof, root], root));
                Assert.False(MerkleTree.VerifyInclusion(ManyLeafAt(leaf), leaf, size, proof, MerkleTree.EmptyRoot));
                Assert.False(MerkleTree.VerifyInclusion(ManyLeafAt(leaf), size, size, proof, root));
                if (proof.Count > 0)
                {
                    Assert.False(MerkleTree.VerifyInclusion(ManyLeafAt(leaf), leaf, size, [.. proof.SkipLast(1)], root));
                    Assert.False(MerkleTree.VerifyInclusion(ManyLeafAt(leaf), leaf ^ 1, size, proof, root) && leaf != (leaf ^ 1));
                }
            }
        }
    }

    [Fact]
    public void Every_earlier_tree_is_proved_to_be_the_beginning_and_nothing_else_is()
    {
        for (ulong newSize = 0; newSize <= Largest; newSize++)
        {
            Hash256 newRoot = MerkleTree.Root(ManyLeafAt, newSize);
            for (ulong oldSize = 0; oldSize <= newSize; oldSize++)
            {
                Hash256 oldRoot = MerkleTree.Root(ManyLeafAt, oldSize);
                IReadOnlyList<Hash256> proof = MerkleTree.ConsistencyProof(ManyLeafAt, oldSize, newSize);
                Assert.True(MerkleTree.VerifyConsistency(oldSize, oldRoot, newSize, newRoot, proof), $"{oldSize} to {newSize}");

                Assert.False(MerkleTree.VerifyConsistency(oldSize, ManyLeaves[5], newSize, newRoot, proof) && oldRoot != ManyLeaves[5]);
                Assert.False(MerkleTree.VerifyConsistency(oldSize, oldRoot, newSize, newRoot, [.. proof, oldRoot]));
                Assert.False(MerkleTree.VerifyConsistency(newSize + 1, oldRoot, newSize, newRoot, proof));
                if (oldSize > 0 && oldSize < newSize)
                {
                    Assert.False(MerkleTree.VerifyConsistency(oldSize, oldRoot, newSize, ManyLeaves[6], proof));
                    Assert.False(MerkleTree.VerifyConsistency(oldSize, oldRoot, newSize, newRoot, [.. proof.Skip(1)]));
                    Assert.False(MerkleTree.VerifyConsistency(oldSize, oldRoot, newSize, newRoot, []));
                }
            }
        }
    }

    [Fact]
    public void Of_two_trees_without_leaves_both_have_the_empty_root()
    {
        Assert.True(MerkleTree.VerifyConsistency(0, MerkleTree.EmptyRoot, 0, MerkleTree.EmptyRoot, []));
        Assert.False(MerkleTree.VerifyConsistency(0, MerkleTree.EmptyRoot, 0, ManyLeaves[0], []));
        Assert.False(MerkleTree.VerifyConsistency(0, ManyLeaves[0], 0, ManyLeaves[0], []));
    }

    [Fact]
    public void A_proof_of_what_is_not_there_cannot_be_asked_for()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.InclusionProof(LeafAt, 3, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.ConsistencyProof(LeafAt, 4, 3));
    }

    private static Hash256 LeafAt(ulong leaf) => Leaves[leaf];

    private static Hash256 ManyLeafAt(ulong leaf) => ManyLeaves[leaf];
}
