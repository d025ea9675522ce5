using Microsoft.ML.ResNet.Shards;

namespace Microsoft.ML.ResNet.Tests.Shards;

public sealed class ShardNamesTests
{
    [Theory]
    [InlineData("train.tar", "train.tar")]
    [InlineData("train-{0008..0011}.tar", "train-0008.tar train-0009.tar train-0010.tar train-0011.tar")]
    [InlineData("{7..7}", "7")]
    [InlineData("{98..101}", "98 99 100 101")]
    [InlineData("{train,test}-{0..1}.tar", "train-0.tar train-1.tar test-0.tar test-1.tar")]
    public void BracesStandForNames(string pattern, string names) => Assert.Equal(names.Split(' '), ShardNames.Expand(pattern));

    [Theory]
    [InlineData("a-{3..1}.tar", "'{3..1}' must be two whole numbers, the smaller one first")]
    [InlineData("a-{x..y}.tar", "'{x..y}' must be two whole numbers")]
    [InlineData("a-{7}.tar", "'{7}' has neither two numbers, as {000..146}, nor names")]
    [InlineData("a-{0..3.tar", "a brace has no other half")]
    [InlineData("a-}0..3{.tar", "a brace has no other half")]
    [InlineData("{0..99999999}", "are more than 100,000")]
    [InlineData("{-5..2147483647}", "must be two whole numbers")]
    [InlineData("{0..999}{0..999}{0..999}{0..999}{0..999}{0..999}{0..999}", "are more than 100,000")]
    public void WhatBracesCannotSayIsRefused(string pattern, string message) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => ShardNames.Expand(pattern)).Message);
}
