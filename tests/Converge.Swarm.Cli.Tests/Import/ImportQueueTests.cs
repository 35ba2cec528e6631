using Converge.Core;
using Converge.Swarm.Cli.Import;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Swarm.Cli.Tests.Import;

public sealed class ImportQueueTests
{
    [Fact]
    public void However_often_lines_come_back_each_proposal_keeps_its_order()
    {
        // Each step takes a batch, and for each line of it the number says whether it is done or comes back.
        Gen<(int[], int[])> cases = Gen.Zip(Gen.ArrayOf(Gen.Choose(0, 3)), Gen.ArrayOf(Gen.Choose(0, 7), 60));

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(500),
            Prop.ForAll(cases.ToArbitrary(), sample =>
            {
                (int[] proposals, int[] steps) = sample;
                ImportQueue queue = new(int.MaxValue, long.MaxValue);
                for (int i = 0; i < proposals.Length; i++)
                {
                    Assert.True(queue.AddAsync(Line(i + 1, proposals[i]), CancellationToken.None).IsCompletedSuccessfully);
                }

                queue.Complete();
                Dictionary<string, List<long>> done = new(StringComparer.Ordinal);
                for (int step = 0; ; step++)
                {
                    int choice = steps[step % steps.Length];
                    ValueTask<IReadOnlyList<ImportLine>> take = queue.TakeAsync(1 + (choice & 3), CancellationToken.None);
                    Assert.True(take.IsCompletedSuccessfully);
                    IReadOnlyList<ImportLine> batch = take.Result;
                    if (batch.Count == 0)
                    {
                        break;
                    }

                    Assert.Equal(batch.Count, batch.Select(ProposalOf).Distinct(StringComparer.Ordinal).Count());
                    foreach (ImportLine line in batch)
                    {
                        // Always bringing everything back would never end.
                        if (step < 200 && ((choice >> 2) + line.Number) % 2 == 0)
                        {
                            queue.Return(line);
                        }
                        else
                        {
                            queue.Finish(line);
                            done.TryAdd(ProposalOf(line), []);
                            done[ProposalOf(line)].Add(line.Number);
                        }
                    }
                }

                Assert.Equal(proposals.Length, done.Values.Sum(lines => lines.Count));
                Assert.All(done.Values, lines => Assert.Equal(lines.Order(), lines));
            }));
    }

    [Fact]
    public async Task While_a_line_is_taken_the_next_one_about_its_proposal_is_not_given_out()
    {
        ImportQueue queue = new(10, 100);
        await queue.AddAsync(Line(1, 1), CancellationToken.None);
        await queue.AddAsync(Line(2, 1), CancellationToken.None);

        ImportLine first = Assert.Single(await queue.TakeAsync(10, CancellationToken.None));
        ValueTask<IReadOnlyList<ImportLine>> next = queue.TakeAsync(10, CancellationToken.None);

        Assert.False(next.IsCompleted);
        queue.Finish(first);
        Assert.Equal(2, Assert.Single(await next).Number);
    }

    [Fact]
    public async Task A_full_queue_makes_the_reader_wait()
    {
        ImportQueue queue = new(maxLines: 1, maxSpan: 100);
        await queue.AddAsync(Line(1, 1), CancellationToken.None);
        ValueTask add = queue.AddAsync(Line(2, 2), CancellationToken.None);

        Assert.False(add.IsCompleted);
        queue.Finish(Assert.Single(await queue.TakeAsync(1, CancellationToken.None)));
        await add;
        Assert.Equal([2L], queue.NotDone().Select(line => line.Number));
    }

    [Fact]
    public async Task The_newest_line_never_runs_further_ahead_than_a_session_remembers()
    {
        ImportQueue queue = new(maxLines: 100, maxSpan: 3);
        for (int i = 1; i <= 3; i++)
        {
            await queue.AddAsync(Line(i, i), CancellationToken.None);
        }

        IReadOnlyList<ImportLine> taken = await queue.TakeAsync(3, CancellationToken.None);
        ValueTask fourth = queue.AddAsync(Line(4, 4), CancellationToken.None);
        queue.Finish(taken[1]);
        queue.Finish(taken[2]);

        Assert.False(fourth.IsCompleted);
        queue.Finish(taken[0]);
        await fourth;
    }

    private static ImportLine Line(long number, int proposal) =>
        new(number, new FactSubmission(new PromotionApproved($"p{proposal}", "bob"), CommandId: new CommandId("s", (ulong)number)), OwnsCommandId: true);

    private static string ProposalOf(ImportLine line) => line.Submission.Fact.ProposalId;
}
